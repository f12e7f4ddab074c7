/**
 * The assignment of the greatest weight: each claimant gets at most one place, each place serves at most so many. Found by successive
 * augmenting paths of least cost (Bellman and Ford), which may move claimants that have a place already.
 */
export interface Claim {
  claimant: number;
  place: number;
  /** Greater than 0. */
  weight: number;
}

interface Arc {
  to: number;
  cost: number;
  left: number;
  /** Index of the arc back. */
  back: number;
}

/**
 * The place of each claimant that got one, by claimant. Claimants and places are numbered from 0; of equal assignments the one of
 * the first claims is taken. `loadCost`, below any difference of weights that matters, spreads claimants over places that fit alike.
 */
export function assign(claims: readonly Claim[], capacities: readonly number[], loadCost: number): Map<number, number> {
  const claimants = 1 + Math.max(-1, ...claims.map(({ claimant }) => claimant));
  const source = claimants + capacities.length;
  const sink = source + 1;
  const arcs: Arc[] = [];
  const leaving: number[][] = Array.from({ length: sink + 1 }, () => []);
  const connect = (from: number, to: number, cost: number): void => {
    leaving[from]?.push(arcs.length);
    arcs.push({ to, cost, left: 1, back: arcs.length + 1 });
    leaving[to]?.push(arcs.length);
    arcs.push({ to: from, cost: -cost, left: 0, back: arcs.length - 1 });
  };
  for (let claimant = 0; claimant < claimants; claimant++) connect(source, claimant, 0);
  for (const { claimant, place, weight } of claims) connect(claimant, claimants + place, -weight);
  const wanted = countBy(claims);
  for (const [place, capacity] of capacities.entries()) {
    const most = Math.min(capacity, wanted.get(place) ?? 0);
    for (let load = 0; load < most; load++) connect(claimants + place, sink, load * loadCost);
  }
  for (;;) {
    const path = cheapest(arcs, leaving, source, sink);
    if (path === null) break;
    for (const index of path) {
      const arc = arcs[index]!;
      arc.left -= 1;
      arcs[arc.back]!.left += 1;
    }
  }
  const places = new Map<number, number>();
  for (let claimant = 0; claimant < claimants; claimant++)
    for (const index of leaving[claimant] ?? []) {
      const arc = arcs[index]!;
      if (arc.to >= claimants && arc.to < source && arc.left === 0) places.set(claimant, arc.to - claimants);
    }
  return places;
}

function countBy(claims: readonly Claim[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { place } of claims) counts.set(place, (counts.get(place) ?? 0) + 1);
  return counts;
}

/** The arcs of the cheapest path, if it costs less than nothing. */
function cheapest(arcs: readonly Arc[], leaving: readonly number[][], source: number, sink: number): number[] | null {
  const costs = new Float64Array(leaving.length).fill(Infinity);
  const through = new Int32Array(leaving.length).fill(-1);
  costs[source] = 0;
  let waiting = new Set([source]);
  while (waiting.size > 0) {
    const next = new Set<number>();
    for (const node of waiting)
      for (const index of leaving[node] ?? []) {
        const { to, cost, left } = arcs[index]!;
        const sum = costs[node]! + cost;
        // Rounding must not make a circle of no gain look like one of gain.
        if (left === 0 || sum >= costs[to]! - 1e-9) continue;
        costs[to] = sum;
        through[to] = index;
        next.add(to);
      }
    waiting = next;
  }
  if (!(costs[sink]! < 0)) return null;
  const path: number[] = [];
  for (let node = sink; node !== source; node = arcs[arcs[path.at(-1)!]!.back]!.to) path.push(through[node]!);
  return path;
}
