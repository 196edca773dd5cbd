"""How fast it is, side by side with what it is compared to."""

#: Where the four effects of Print Slip go, ours and the naive way's.
QUEUES = ("ill.slips", "ill.mail", "ill.messages", "ill.timers")
