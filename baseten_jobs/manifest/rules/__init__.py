"""Documents -> what a schema can not say of them."""
