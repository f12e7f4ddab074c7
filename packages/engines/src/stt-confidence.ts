export function confidenceOf(gap: number): number {
  return Math.round(1000 / (1 + Math.exp(-(gap + 18) / 3))) / 1000;
}
