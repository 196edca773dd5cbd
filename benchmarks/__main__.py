"""`make bench`: how fast it is, side by side with what it is compared to, in one run."""

from benchmarks import pages, slips, transitions

slips.main()
transitions.main()
pages.main()
