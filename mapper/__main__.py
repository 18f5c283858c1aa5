"""python -m mapper: the command."""
from mapper.cli import main

main()
