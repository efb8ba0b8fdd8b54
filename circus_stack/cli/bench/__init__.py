"""`circus-stack bench`: from flags to plans, from results to text. What measures is in benchmarks/suite."""
