"""How sure a platform may be of who holds an account: tiers, the evidence behind them, and statements about both."""
