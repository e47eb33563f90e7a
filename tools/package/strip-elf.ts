/** Places of ELF64's header, and of a section header within its 64 bytes: System V ABI, chapter 4. */
const header = { sections: 0x28, sectionSize: 0x3a, sectionCount: 0x3c, namesIndex: 0x3e };
const section = { name: 0, type: 4, flags: 8, address: 16, offset: 24, size: 32, align: 48 };
const SECTION = 64;
const SHT_STRTAB = 3;
const SHT_NOBITS = 8;
const SHF_ALLOC = 2n;

/**
 * A program or library without what only debuggers read, as strip(1) does, which knows only its own machine's processor.
 * What is loaded keeps its bytes and its place. @throws Error for what is no little-endian ELF64, or is laid out otherwise
 */
export function stripped(elf: Buffer): Buffer {
  if (elf.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') throw new Error('no little-endian ELF64 file');
  const all = sectionsOf(elf);
  const loaded = all.filter((each, index) => index === 0 || isLoaded(each));
  // Symbols name sections by number.
  if (!loaded.every((each, index) => each === all[index])) throw new Error('loaded sections stand behind others');
  const end = Math.max(...loaded.map(endOf));
  const old = all[elf.readUInt16LE(header.namesIndex)] ?? Buffer.alloc(SECTION);
  const oldNames = elf.subarray(Number(old.readBigUInt64LE(section.offset)));
  const nameOf = (each: Buffer): Buffer => {
    const from = oldNames.subarray(each.readUInt32LE(section.name));
    return from.subarray(0, from.indexOf(0) + 1);
  };

  const names = Buffer.concat([...loaded.map(nameOf), Buffer.from('.shstrtab\0')]);
  let at = 0;
  const kept = loaded.map(each => {
    const copy = Buffer.from(each);
    copy.writeUInt32LE(at, section.name);
    at += nameOf(each).length;
    return copy;
  });
  const own = Buffer.alloc(SECTION);
  own.writeUInt32LE(at, section.name);
  own.writeUInt32LE(SHT_STRTAB, section.type);
  own.writeBigUInt64LE(BigInt(end), section.offset);
  own.writeBigUInt64LE(BigInt(names.length), section.size);
  own.writeBigUInt64LE(1n, section.align);

  const gap = Buffer.alloc(-(end + names.length) & 7);
  const result = Buffer.concat([elf.subarray(0, end), names, gap, ...kept, own]);
  result.writeBigUInt64LE(BigInt(end + names.length + gap.length), header.sections);
  result.writeUInt16LE(kept.length + 1, header.sectionCount);
  result.writeUInt16LE(kept.length, header.namesIndex);
  return result;
}

function sectionsOf(elf: Buffer): Buffer[] {
  const from = Number(elf.readBigUInt64LE(header.sections));
  if (elf.readUInt16LE(header.sectionSize) !== SECTION) throw new Error('section headers of another size');
  return Array.from({ length: elf.readUInt16LE(header.sectionCount) }, (_, index) =>
    elf.subarray(from + index * SECTION, from + (index + 1) * SECTION),
  );
}

function isLoaded(each: Buffer): boolean {
  return (each.readBigUInt64LE(section.flags) & SHF_ALLOC) !== 0n;
}

function endOf(each: Buffer): number {
  const size = each.readUInt32LE(section.type) === SHT_NOBITS ? 0n : each.readBigUInt64LE(section.size);
  return Number(each.readBigUInt64LE(section.offset) + size);
}
