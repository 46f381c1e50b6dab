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
