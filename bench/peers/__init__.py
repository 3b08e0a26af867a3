"""What bench_peers.py is made of: networks, one side for each library, processes, rounds, report."""
