"""Keys and signatures of the JOSE family, and the certificates behind them."""
