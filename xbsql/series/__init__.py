"""Ways to forecast series: each takes histories and gives fans, nine quantiles and a mean for every step."""
