"""A few goods as sellers of four markets call them."""

UNRELATED = {
    "UK": ["garden hose", "dog food", "LED bulb", "yoga mat", "honey"],
    "DE": ["Zahnpasta", "Schreibtischlampe", "Katzenstreu", "Handyhülle", "Reis"],
    "FR": ["thé vert", "huile d'olive", "lessive", "chaussures de course", "vélo pour enfant"],
    "ES": ["silla de oficina", "cuchillo de cocina", "mochila", "aspiradora", "reloj de pared"],
}
"""No name is that of another market's thing."""
SAME = {
    "UK": ["olive oil", "hand cream", "green tea", "garden hose", "honey"],
    "DE": ["Olivenöl", "Handcreme", "grüner Tee", "Gartenschlauch", "Honig"],
    "FR": ["huile d'olive", "crème pour les mains", "thé vert", "tuyau d'arrosage", "miel"],
}
