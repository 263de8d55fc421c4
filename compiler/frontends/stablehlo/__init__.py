"""The front end for JAX and StableHLO: functions, texts, portable artifacts and exported ones become graph modules."""
