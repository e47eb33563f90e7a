// npm run lab:kernel: builds the guests' kernel from Debian's newer source (User-Mode Linux in its seccomp mode, all
// built in). A guest starts a process in about half the time that it takes with Debian's package, and a `docker run` takes a
// sixth less; the lab takes it if it is there.
import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { download } from '../../../guest/apt.ts';
import { command } from '../../../guest/command.ts';
import { withLock } from '../../../guest/lock.ts';
import { ownKernelFolder } from '../guest/kernel.ts';
import { ensureTree } from '../tree/tree.ts';

const source = process.env['KURYR_LAB_KERNEL_SOURCE'] ?? 'linux-source-7.2';
const fragment = fileURLToPath(new URL('uml.fragment', import.meta.url));
const say = (line: string): void => console.log(`${Math.round(performance.now() / 1000)} s  ${line}`);

// "modprobe ipvlan" succeeds on a kernel without modules when modules.builtin has the name
const builtIn =
  `ipvlan ipvtap macvlan macvtap 8021q veth dummy bridge br_netfilter vxlan tun vrf ifb nf_tables nf_conntrack
  nf_nat nft_ct nft_masq nft_nat ip_tables iptable_nat iptable_filter ip6_tables xt_MASQUERADE xt_conntrack xt_addrtype
  xt_comment overlay fuse loop sch_netem sch_tbf sch_ingress cls_matchall cls_flower act_mirred`.split(/\s+/);

// in the bookworm tree under an overlay, so that the tree stays as it is and the kernel fits every tree's libc
const build = `set -e
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/overlay" overlay "$2/root"
mount -t proc proc "$2/root/proc"; mkdir -p "$2/root/build"; mount --bind "$2/build" "$2/root/build"
exec chroot "$2/root" sh -ec '
  apt-get -q -o APT::Sandbox::User=root -o Acquire::Languages=none update
  apt-get -q -o APT::Sandbox::User=root install -y --no-install-recommends gcc make flex bison bc xz-utils libc6-dev
  cd /build; dpkg-deb --fsys-tarfile *.deb | tar -xO "./usr/src/$0.tar.xz" | tar -xJ
  mkdir out; src=/build/$0
  make -s -C $src O=/build/out ARCH=um defconfig
  (cd out && $src/scripts/kconfig/merge_config.sh -m -O /build/out .config /build/uml.fragment)
  make -s -C $src O=/build/out ARCH=um olddefconfig
  grep -E "^CONFIG_[A-Z0-9_]+=y" uml.fragment | while read -r l; do grep -qx "$l" out/.config || echo "not taken: $l"; done
  make -C $src O=/build/out ARCH=um -j$(nproc) linux
  strip -o product/linux out/linux
  release=$(cat out/include/config/kernel.release); at=/build/mods/lib/modules/$release; mkdir -p $at
  : >$at/modules.order
  for m in ${builtIn.join(' ')}; do echo kernel/builtin/$m.ko; done >$at/modules.builtin
  depmod -b /build/mods $release; cp -a /build/mods/lib/modules product/modules' "$3"`;

async function main(): Promise<void> {
  const done = ownKernelFolder();
  if (existsSync(done)) return say(`there already: ${done} (remove it to build anew)`);
  const tree = await ensureTree('bookworm', say);
  const kernels = join(done, '..');
  await mkdir(kernels, { recursive: true });
  await withLock(
    join(kernels, 'lock'),
    () => say('waiting for another build'),
    async () => {
      if (existsSync(done)) return;
      const work = join(kernels, '.building');
      await rm(work, { recursive: true, force: true });
      for (const name of ['upper', 'overlay', 'root', 'build/product'])
        await mkdir(join(work, name), { recursive: true });
      say(`fetching ${source}`);
      await download([source], 'trixie-backports', join(work, 'build'));
      await cp(fragment, join(work, 'build/uml.fragment'));
      say('building: 5 to 15 minutes');
      let files = 0;
      const line = (text: string): void => {
        if (/^\s+(CC|AR|LD)\s/.test(text) && ++files % 200 === 0) say(`${files} files compiled`);
        if (text.startsWith('not taken')) say(text);
      };
      const confined = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', build, '-'];
      const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
      const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', PATH: path };
      await command(['nice', ...confined, tree, work, source], { env, line });
      await rename(join(work, 'build/product'), done);
      await rm(work, { recursive: true, force: true });
      say(`ready: ${done}`);
    },
  );
}

await main();
