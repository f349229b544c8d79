"""`python -m cli` is `tradewind`."""

from cli.app import main

if __name__ == "__main__":
    main()
