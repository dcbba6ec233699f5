"""The keys of subjects, the epochs that end them, and the holds that bar it."""
