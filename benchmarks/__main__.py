"""`make bench`: how fast it is, side by side with what it is compared to, in one run."""

from benchmarks import messages, pages, slips, transitions

slips.main()
transitions.main()
messages.main()
pages.main()
