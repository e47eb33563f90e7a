import { type Attribute, type Attributes, open } from '../attributes.ts';
import { badRequest, type Refusal } from '../refusal.ts';
import type { Context, Row, Tables } from '../store.ts';
import { text } from '../values.ts';

/** A resource of the API: how it is made, changed, ended and seen. */
export interface Kind<R extends Row = Row> {
  /** `security_group_rule`: its key in a body. */
  readonly name: string;
  /** `security_group_rules`: its key in a list. */
  readonly plural: string;
  /** `security-group-rules`: its place in a URL. */
  readonly path: string;
  readonly attributes: Attributes;
  /** Whether it can be tagged. */
  readonly tags: boolean;
  table(tables: Tables): Map<string, R>;
  missing(id: string): Refusal;
  /** Whether the caller sees it. */
  visible(row: R, context: Context): boolean;
  /** What lists can be filtered by besides what is shown. */
  readonly unshown?: (row: R, context: Context) => Record<string, unknown>;
  /** What the caller may not name in a PUT of one that it may change; nothing where this is left out. */
  readonly denied?: (row: R, fields: Readonly<Record<string, unknown>>, context: Context) => (name: string) => boolean;
  /** Whether the caller may delete it besides its owner. */
  readonly mayDelete?: (row: R, context: Context) => boolean;
  /** Makes one of prepared fields, judging all before any table changes; `named` are the request's own. @throws Refusal */
  create(fields: Record<string, unknown>, named: Readonly<Record<string, unknown>>, context: Context): R;
  /**
   * The row after a change, and the revision that the answer shows, which can lag.
   * @param seen the row as it was when the request came
   * @throws Refusal
   */
  update(row: R, fields: Record<string, unknown>, context: Context, seen: R): Changed<R>;
  /** @throws Refusal */
  remove(row: R, context: Context): void;
  /** The row as the API shows it. Answers of the POST that made it and of a PUT can differ from what a GET shows. */
  view(row: R, context: Context, as?: 'made' | 'changed'): Record<string, unknown>;
}

export interface Changed<R> {
  readonly row: R;
  /** What the PUT answers, where the row has gone on already. */
  readonly answered?: R;
}

const shown: Attribute = { filter: true, sort: true };

/** Attributes that all kinds have. */
export const common: Attributes = {
  id: { ...shown },
  tenant_id: { post: true, standard: open, validate: text(), filter: true, sort: true },
  project_id: { post: true, standard: open, validate: text(), filter: true, sort: true },
  revision_number: { filter: true },
  created_at: {},
  updated_at: {},
};

export const description: Attribute = {
  post: true,
  put: true,
  standard: { value: '' },
  validate: text(),
  filter: true,
};

export const tagFilters: Attributes = {
  tags: { filter: true },
  'tags-any': { filter: true },
  'not-tags': { filter: true },
  'not-tags-any': { filter: true },
};

export const name: Attribute = {
  post: true,
  put: true,
  standard: { value: '' },
  validate: text(),
  filter: true,
  sort: true,
};

/** An attribute that is in answers alone. */
export const answered: Attribute = {};

/** What every row shows beside its own fields. */
export const shownOfAll = ({ id, project_id, revision_number, created_at, updated_at, description: told }: Row) => ({
  id,
  tenant_id: project_id,
  project_id,
  revision_number,
  created_at,
  updated_at,
  description: told,
});

/** The project that a POST is for. @throws Refusal where it is not the sender's own */
export function projectOf(fields: Readonly<Record<string, unknown>>, { caller, isAdmin }: Context): string {
  const asked = fields['project_id'] ?? fields['tenant_id'];
  if (asked === undefined && caller.projectId === '') {
    throw badRequest('Running without keystone AuthN requires that tenant_id is specified');
  }
  if (asked === undefined || asked === caller.projectId) return caller.projectId;
  if (!isAdmin) {
    throw badRequest(
      "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges",
    );
  }
  return String(asked);
}
