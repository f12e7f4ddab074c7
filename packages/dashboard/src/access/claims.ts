/** What the claims of a token mean here. */
import { isRole, ROLES, type Role } from "@cofi/access/roles";
import type { ClaimSettings } from "./settings.js";

/** The role that the claim names; of several the one with the most permissions. null: none that is known. */
export function roleIn(claims: object, { claim, roles }: ClaimSettings): Role | null {
  const value = valueAt(claims, claim);
  const named = [value].flat().flatMap((name): Role[] => {
    if (typeof name !== "string") return [];
    const role = roles.get(name) ?? name;
    return isRole(role) ? [role] : [];
  });
  return ROLES.findLast((role) => named.includes(role)) ?? null;
}

/** Whether the claim is there at all. */
export function hasClaim(claims: object, { claim }: ClaimSettings): boolean {
  return valueAt(claims, claim) !== undefined;
}

/** A claim whose name has dots, such as a URL, or one within others. */
function valueAt(claims: object, path: string): unknown {
  if (Object.hasOwn(claims, path)) return (claims as Record<string, unknown>)[path];
  let value: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
