RATE = 1e-4
