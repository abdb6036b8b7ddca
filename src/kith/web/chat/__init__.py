"""The chat window and the form that visitors of other people's pages use. No cookies, no sessions, nobody signed in."""
