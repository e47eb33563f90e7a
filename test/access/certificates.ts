/** Certificates for one test: an authority of its own, and a server's that it signed; made by the tree's openssl. */
import { readFile } from 'node:fs/promises';
import type { Cloud } from '../lab/cloud/cloud.ts';

export interface Certificates {
  /** PEM of the authority. */
  readonly ca: string;
  /** PEM of a server's certificate, good for the names given, and its key. */
  readonly cert: string;
  readonly key: string;
}

/** @param names as openssl writes subjectAltName: `IP:127.0.0.1,DNS:cloud.test` */
export async function makeCertificates(cloud: Cloud, names: string): Promise<Certificates> {
  const folder = `${cloud.place.dir}/certificates`;
  const script = `
    mkdir -p "$1"; cd "$1"
    new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    openssl req -x509 $new -subj "/CN=Kuryr test authority" -keyout ca.key -out ca.pem
    openssl req $new -subj "/CN=api" -keyout key.pem -out server.csr
    printf 'subjectAltName=%s\\n' "$2" >extensions
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem`;
  await cloud.run(['sh', '-euc', script, 'sh', folder, names]);
  const read = (name: string) => readFile(`${folder}/${name}`, 'utf8');
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
  return { ca, cert, key };
}
