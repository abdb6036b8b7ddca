"""The customer's own pages: nobody is signed in, no script runs, and what a page shows depends on what was proven."""
