"""`python -m causal_ssl` is the `causal-ssl` command."""

from causal_ssl.cli import main

if __name__ == "__main__":
    main()
