/** Which addresses are everybody's: only to those may a server go that is told where to go by its users. */
import { BlockList, isIP } from 'node:net';

/** IANA's special-purpose registries, multicast and what is reserved included. */
const SPECIAL_IPV4 = [
  ...[
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
  ],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];

/** Of IPv6 only this is given out to networks that can be reached… */
const GLOBAL_IPV6 = ['2000::/3'];
/** …but for these: among them Teredo and 6to4, which hold an IPv4 address that may be anything. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const toList = (type: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    list.addSubnet(network, Number(bits), type);
  }
  return list;
};

const special4 = toList('ipv4', SPECIAL_IPV4);
const special6 = toList('ipv6', SPECIAL_IPV6);
const global6 = toList('ipv6', GLOBAL_IPV6);

/** True for an IP address that is neither private, nor this machine, nor of any other special kind. IPv4 inside IPv6 is not taken. */
export const isPublicAddress = (address: string): boolean => {
  const [bare = ''] = address.split('%');
  if (isIP(bare) === 4) return !special4.check(bare, 'ipv4');
  return isIP(bare) === 6 && global6.check(bare, 'ipv6') && !special6.check(bare, 'ipv6');
};

/** Where clouds tell the machines in them their secrets; link-local addresses altogether, as most of them are. */
const METADATA_IPV4 = ['169.254.0.0/16', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'];
const METADATA_IPV6 = ['fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254/128', '64:ff9b::a9fe:0/112'];

const metadata4 = toList('ipv4', METADATA_IPV4);
const metadata6 = toList('ipv6', METADATA_IPV6);

/** True for an address that a machine asks for its own cloud's secrets; IPv4 inside IPv6 counts. */
export const isMetadataAddress = (address: string): boolean => {
  const [bare = ''] = address.split('%');
  if (isIP(bare) === 4) return metadata4.check(bare, 'ipv4');
  return isIP(bare) === 6 && (metadata6.check(bare, 'ipv6') || metadata4.check(bare, 'ipv6'));
};
