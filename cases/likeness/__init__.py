"""Whether a file shows somebody who refuses to be imitated, and what follows: checks, holds, the person's own log."""
