"""`python -m preview_sim.cli`, for where the script is not on the path."""

from preview_sim.cli import main

main()
