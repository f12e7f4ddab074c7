/** Roles are sets of permissions; routes and commands ask for a permission, never for a role. */

/**
 * progress: what is happening, without contents · act: start, stop and retry · contents: look at contents, with a reason · decide: decide
 * cases · readAll: contents of whole batches, and the access log · pack: hand a case out of the house, with all its contents · admin: users and
 * their sessions
 */
export type Permission = "progress" | "act" | "contents" | "decide" | "readAll" | "pack" | "admin";

const PERMISSIONS_OF = {
  viewer: ["progress"],
  operator: ["progress", "act"],
  reviewer: ["progress", "contents", "decide"],
  auditor: ["progress", "contents", "readAll", "pack"],
  admin: ["progress", "act", "contents", "decide", "readAll", "pack", "admin"],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof PERMISSIONS_OF;

/** From the least to the most. */
export const ROLES = Object.keys(PERMISSIONS_OF) as readonly Role[];

export function permissionsOf(role: Role): readonly Permission[] {
  return PERMISSIONS_OF[role];
}

export function may(role: Role, permission: Permission): boolean {
  return (PERMISSIONS_OF[role] as readonly Permission[]).includes(permission);
}

export function isRole(text: unknown): text is Role {
  return typeof text === "string" && Object.hasOwn(PERMISSIONS_OF, text);
}
