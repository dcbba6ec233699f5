"""What every request passes: who asks, how much, how often; and the form of answers, errors above all."""
