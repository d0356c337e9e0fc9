"""The layers that maskmill adds to Keras: from integer pictures of any size into a network, and back to that size."""
