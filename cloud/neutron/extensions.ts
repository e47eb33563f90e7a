import type { Reply } from '../wire.ts';

/** What this Neutron can do beyond the core: alias, name, when the extension's API last changed, and what is said of it where that is not its name. */
const EXTENSIONS: readonly (readonly [alias: string, name: string, updated: string, description?: string])[] = [
  ['address-scope', 'Address scope', '2015-07-26'],
  ['agent', 'agent', '2013-02-03'],
  ['allowed-address-pairs', 'Allowed Address Pairs', '2013-07-23'],
  ['binding', 'Port Binding', '2014-02-03'],
  ['default-subnetpools', 'Default Subnetpools', '2016-02-18'],
  ['external-net', 'Neutron external network', '2013-01-14'],
  ['filter-validation', 'Filter parameters validation', '2018-03-21'],
  ['ip_allocation', 'IP Allocation', '2016-06-10'],
  ['l2_adjacency', 'L2 Adjacency', '2016-04-12'],
  ['net-mtu', 'Network MTU', '2015-03-25'],
  ['net-mtu-writable', 'Network MTU (writable)', '2017-07-12'],
  ['pagination', 'Pagination support', '2016-06-12'],
  ['port-mac-address-regenerate', 'Port MAC address regenerate', '2018-05-03'],
  ['port-security', 'Port Security', '2012-07-23'],
  ['project-id', 'project_id field enabled', '2016-09-09'],
  ['provider', 'Provider Network', '2012-09-07'],
  ['quota-check-limit', 'Quota engine limit check', '2021-12-20'],
  ['quota_details', 'Quota details management support', '2017-02-10'],
  ['quotas', 'Quota management support', '2012-07-29'],
  ['revision-if-match', 'If-Match constraints based on revision_number', '2016-12-11'],
  ['security-group', 'security-group', '2012-10-05'],
  ['security-groups-normalized-cidr', 'Normalized CIDR field for security group rules', '2020-04-03'],
  ['security-groups-shared-filtering', 'Security group filtering on the shared field', '2021-10-05'],
  ['sorting', 'Sorting support', '2016-06-12'],
  ['standard-attr-description', 'standard-attr-description', '2016-02-10'],
  ['standard-attr-revisions', 'Resource revision numbers', '2016-04-11'],
  ['standard-attr-tag', 'Tag support for resources with standard attribute', '2017-01-01'],
  ['standard-attr-timestamp', 'Resource timestamps', '2016-09-12'],
  ['stateful-security-group', 'Stateful security group', '2019-11-26'],
  ['subnet-service-types', 'Subnet service types', '2016-03-15'],
  ['subnet_allocation', 'Subnet Allocation', '2015-03-30'],
  ['trunk', 'Trunk Extension', '2016-01-01', 'Provides support for trunk ports'],
  ['trunk-details', 'Trunk port details', '2016-01-01'],
];

const shown = ([alias, name, updated, description = name]: (typeof EXTENSIONS)[number]) => ({
  alias,
  name,
  description,
  updated: `${updated}T10:00:00-00:00`,
  links: [],
});

/** `/extensions`, `/extensions/ALIAS`. */
export function extensions(alias: string | undefined, method: string): Reply {
  if (method !== 'GET') return page('Resource not found.');
  const all = EXTENSIONS.map(shown);
  if (alias === undefined) return { status: 200, body: { extensions: all } };
  const extension = all.find(one => one.alias === alias);
  return extension === undefined
    ? page(`Extension with alias ${alias} does not exist`)
    : { status: 200, body: { extension } };
}

/** Here alone Neutron answers with a page for people. */
const page = (text: string): Reply => ({
  status: 404,
  headers: { 'content-type': 'text/html; charset=UTF-8' },
  body: `<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  The resource could not be found.<br /><br />\n${text}\n\n\n </body>\n</html>`,
});
