"""VC-API: what is asked of a verifier and a holder, judged in workers, and how it is answered."""
