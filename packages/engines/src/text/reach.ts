/** A bare answer, or a bare number, refers to a statement at most this many segments before. */
export const REACH = 2;
