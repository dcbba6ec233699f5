"""What people refuse: registrations that their likeness be left alone, the consent behind each, and how each stands."""
