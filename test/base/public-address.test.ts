import { expect, test } from 'vitest';
import { isMetadataAddress, isPublicAddress } from '../../src/base/public-address.ts';

test.each([
  ...[
    '1.1.1.1',
    '8.8.8.8',
    '11.0.0.1',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.0.1',
    '223.255.255.255',
  ],
  ...['2606:4700:4700::1111', '2a00:1450:4001:81b::200e', '2400:cb00:2048:1::c629:d7a2'],
])('%s is everybody’s', (address) => expect(isPublicAddress(address)).toBe(true));

test.each([
  ['this network', ['0.0.0.0', '0.1.2.3', '::']],
  ['this machine', ['127.0.0.1', '127.255.255.254', '::1']],
  ['private networks', ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', 'fc00::1', 'fd12:3456::1']],
  ['networks of providers', ['100.64.0.1', '100.127.255.255']],
  ['the link, with its metadata servers', ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254']],
  [
    'documentation and measurements',
    ['192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '2001:db8::1', '3fff::1'],
  ],
  [
    'many at once, and what is reserved',
    ['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', 'ff02::1', '192.0.0.170', '192.88.99.1'],
  ],
  [
    'IPv4 inside IPv6',
    [
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '::ffff:7f00:1',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:0:7f00:1::1',
    ],
  ],
  ['no address at all', ['', 'localhost', 'example.com', '127.1', '2130706433', '0x7f.1', '1.1.1.1.1', '[::1]']],
])('%s: nobody’s business', (_, addresses) => expect(addresses.filter(isPublicAddress)).toEqual([]));

test('where clouds tell machines their secrets is known in every spelling, and private networks are not that', () => {
  const theirs = ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254'];
  const inside = ['::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', 'fe80::a9fe:a9fe%eth0', 'fd20:ce::254'];
  expect([...theirs, ...inside].filter((address) => !isMetadataAddress(address))).toEqual([]);
  const others = ['127.0.0.1', '10.0.0.1', '192.168.0.1', '::1', 'fd12:3456::1', '100.100.100.201'];
  expect(others.filter(isMetadataAddress)).toEqual([]);
});
