"""What people wrote -> documents and diagnostics."""
