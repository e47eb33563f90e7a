/** Who there is from the start: members of two projects, an administrator, a reader of demo's project. */
export const users = ['demo', 'demo2', 'admin', 'ro'] as const;
export type User = (typeof users)[number];

const CLOUD_NAME = 'kuryr-embedded';

/** What a client needs to know, as a file that all of them read. */
export const cloudsYaml = (user: User, authUrl: string): string => `clouds:
  ${CLOUD_NAME}:
    region_name: RegionOne
    identity_api_version: 3
    auth:
      auth_url: ${authUrl}
      username: ${user}
      password: ${user}pw
      project_name: ${user === 'ro' ? 'demo' : user}
      user_domain_id: default
      project_domain_id: default
`;
