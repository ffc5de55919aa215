/*
 * Faulty texts, each with every error it gives: LINE:COL: text, in order.
 * EXCHANGE and WITH_LAN are one good line in front.
 */
/* The blocks of this version, as messages list them. */
#define BLOCKS "exchange, policy, member, rpki, monitoring or registry"
#define STATION                                                                \
	"ADDRESS[:PORT] as 192.0.2.1:1790, or an address in "                  \
	"\"[2001:db8::1]:1790\""
#define CACHE                                                                  \
	"ADDRESS[:PORT] as 192.0.2.1:323, or an address in "                   \
	"\"[2001:db8::1]:323\""
#define NAME_64                                                                \
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define SECRET_81                                                              \
	"ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"    \
	"pppppppppppppppp"
#define TEXT_129                                                               \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"    \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define WITH_LAN                                                               \
	"exchange X { asn 64500; router-id 192.0.2.1; "                        \
	"listen 192.0.2.1, 2001:db8::1; lan 192.0.2.0/24; }\n"

static const struct {
	const char *text;
	const char *errors;
} cases[] = {
    {"", "1:1: there is no exchange; expected 'exchange \"NAME\" { ... }'\n"},
    {"policy {}",
	"1:1: there is no exchange; expected 'exchange \"NAME\" { ... }'\n"},
    {"exchange", "1:9: 'exchange' has no name; expected 'exchange \"NAME\" {'\n"
		 "1:9: found the end of the file; expected '{'\n"},
    {"exchange {",
	"1:10: 'exchange' has no name; expected 'exchange \"NAME\" {'\n"
	"1:11: the file ends in 'exchange' of line 1; expected '}'\n"},
    {"exchange X", "1:11: found the end of the file; expected '{'\n"},
    {"exchange X {",
	"1:13: the file ends in exchange \"X\" of line 1; expected '}'\n"},
    {"exchange X;", "1:11: found ';'; expected '{'\n"},
    {"exchange \"\" {}",
	"1:1: exchange \"\" has no 'asn'; expected 'asn NUMBER;'\n"
	"1:1: exchange \"\" has no 'router-id'; expected 'router-id "
	"IPV4-ADDRESS;'\n"
	"1:1: exchange \"\" has no 'listen'; expected 'listen ADDRESS [, "
	"ADDRESS ...];'\n"
	"1:10: the name is empty; expected 1 to 63 bytes\n"},
    {"exchange X { }",
	"1:1: exchange \"X\" has no 'asn'; expected 'asn NUMBER;'\n"
	"1:1: exchange \"X\" has no 'router-id'; expected 'router-id "
	"IPV4-ADDRESS;'\n"
	"1:1: exchange \"X\" has no 'listen'; expected 'listen ADDRESS [, "
	"ADDRESS ...];'\n"},
    {"exchange \"" NAME_64 "\" { asn 1; router-id 1.1.1.1; listen ::1; }",
	"1:10: the name is too long; expected 1 to 63 bytes\n"},
    {EXCHANGE "exchange Y { asn 0; router-id 1.1.1.1; listen ::1; }",
	"2:1: a second 'exchange'; expected only the one of line 1\n"
	"2:18: AS 0 is reserved (RFC 7607); expected the AS number of a "
	"network\n"},
    {EXCHANGE "policy {} policy { preset x; }",
	"2:11: a second 'policy'; expected only the one of line 2\n"
	"2:27: 'x' is unknown; expected strict or open\n"},
    {EXCHANGE "policy P {}", "2:8: found 'P'; expected '{'\n"},
    {EXCHANGE "policy \"P\" {}",
	"2:8: found a string; expected '{': policy has no name\n"},
    {EXCHANGE "monitoring { bmp 127.0.0.1:0, ::1, \"[::1]:1790\"; }",
	"2:18: '127.0.0.1:0' is no station; expected " STATION "\n"
	"2:36: the station [::1]:1790 is given in line 2; expected each "
	"once\n"},
    {EXCHANGE "monitoring { bmp ::1 { pre off; post off; loc-rib off; } }",
	"2:18: the station is sent nothing; expected one of pre, post, "
	"loc-rib and out to be on\n"},
    {EXCHANGE "monitoring { bmp ::1 { pre; hold 3; mrt \"/x\"; } }",
	"2:27: found ';'; expected on or off\n"
	"2:29: 'hold' cannot stand in 'bmp'; expected it in 'exchange'\n"
	"2:37: 'mrt' cannot stand in 'bmp'; expected it in 'monitoring'\n"},
    {EXCHANGE "monitoring { mrt dumps; table 59s; } monitoring { }",
	"2:18: the directory is no full path; expected it to begin with '/'\n"
	"2:31: '59s' is out of range; expected off, or 1m to 1d, as "
	"90s or 10m\n"
	"2:38: a second 'monitoring'; expected only the one of line 2\n"},
    {EXCHANGE "monitoring { updates 5m; }",
	"2:22: there is no directory for the dumps; expected 'mrt "
	"DIRECTORY;'\n"},
    {EXCHANGE "rpki { }",
	"2:1: 'rpki' has no 'cache'; expected 'cache "
	"ADDRESS[:PORT] [, ADDRESS[:PORT] ...] [{ ... }];'\n"},
    {EXCHANGE "rpki \"R\" { cache ::1; } rpki { cache ::1; }",
	"2:6: found a string; expected '{': rpki has no name\n"
	"2:25: a second 'rpki'; expected only the one of line 2\n"},
    {EXCHANGE "rpki { cache 127.0.0.1:0, 127.0.0.1:x, 1.2.3, ::1, ::1; }",
	"2:14: '127.0.0.1:0' is no cache; expected " CACHE "\n"
	"2:27: '127.0.0.1:x' is no cache; expected " CACHE "\n"
	"2:40: '1.2.3' is no cache; expected " CACHE "\n"
	"2:52: the cache ::1 port 323 is given in line 2; expected each "
	"once\n"},
    {EXCHANGE "rpki { cache \"[::1]:\", \"[::1\", \"[127.0.0.1]:323\"; }",
	"2:14: a string is no cache; expected " CACHE "\n"
	"2:24: a string is no cache; expected " CACHE "\n"
	"2:32: a string is no cache; expected " CACHE "\n"},
    {EXCHANGE "rpki { cache ::1 { ca a.pem; } cache ::2 { tls x; key k; } }",
	"2:23: a file for TLS, but no 'tls'; expected 'tls NAME;' beside it\n"
	"2:55: the key has no 'certificate'; expected 'certificate FILE;'\n"},
    {EXCHANGE "rpki { cache ::1 { expire 60s; refresh 61s; tls \"\"; } }",
	"2:27: data would expire before it is asked for again; expected expire "
	"not to be shorter than refresh and retry (RFC 8210)\n"
	"2:49: a string is no good value; expected a name of 1 to 63 bytes\n"},
    {EXCHANGE "rpki { cache ::1 { preference 0; cache ::2; hold 3; } }",
	"2:31: '0' is out of range; expected 1 to 65535\n"
	"2:34: 'cache' cannot stand in 'cache'; expected it in 'rpki'\n"
	"2:45: 'hold' cannot stand in 'cache'; expected it in 'exchange'\n"},
    {EXCHANGE "gateway \"G\" { asn 1; upstream \"T\" { asn 2; } }",
	"2:1: 'gateway' (the gateway half) is not in this version; expected it "
	"to be left out\n"},
    {EXCHANGE "memebr A { asn 1; at 10.0.0.1; }",
	"2:1: unknown block 'memebr'; expected " BLOCKS " (did "
	"you mean 'member'?)\n"},
    {EXCHANGE "frobnicate { a; { b; } c; }",
	"2:1: unknown block 'frobnicate'; expected " BLOCKS "\n"},
    {EXCHANGE "{ }", "2:1: found '{'; expected " BLOCKS "\n"},
    {EXCHANGE "}", "2:1: '}' closes nothing; expected " BLOCKS "\n"},
    {EXCHANGE "asn 1;", "2:1: 'asn' stands outside a block; expected it in "
			"'exchange { ... }'\n"},
    {EXCHANGE "// hello",
	"2:1: '//' starts no comment; expected '#' for one\n"},
    {EXCHANGE "\"policy\" {}", "2:1: found a string; expected " BLOCKS "\n"},
    {EXCHANGE ", ;", "2:1: found ','; expected " BLOCKS "\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; asn 2; }",
	"1:52: 'asn' is given twice, first in line 1; expected it once\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; ans 2; }",
	"1:52: unknown directive 'ans' in 'exchange'; expected one of its "
	"directives (did you mean 'asn'?)\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port; }",
	"1:56: found ';'; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port 0; }",
	"1:57: '0' is out of range; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port 65536; }",
	"1:57: '65536' is out of range; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port "
     "99999999999999999999; }",
	"1:57: '99999999999999999999' is no number; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port -1; }",
	"1:57: '-1' is no number; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port \"179\"; }",
	"1:57: a string is no number; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port 179 180; }",
	"1:61: found '180'; expected ';'\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port 179 }",
	"1:60: missing ';' after '179'; expected it here\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port { } }",
	"1:57: found '{'; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port 179 { hold 9; } "
     "}",
	"1:61: found '{'; expected ';'\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; port 1;\n port }",
	"2:2: 'port' is given twice, first in line 1; expected it once\n"
	"2:7: found '}'; expected 1 to 65535\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold 1; }",
	"1:57: '1' is out of range; expected off, or 3s to 18h12m15s, as 90s "
	"or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold 2s; }",
	"1:57: '2s' is out of range; expected off, or 3s to 18h12m15s, as 90s "
	"or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold 3x; }",
	"1:57: '3x' is no time; expected off, or 3s to 18h12m15s, as 90s or "
	"10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold 1m1h; }",
	"1:57: '1m1h' is no time; expected off, or 3s to 18h12m15s, as 90s or "
	"10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold 65536; }",
	"1:57: '65536' is out of range; expected off, or 3s to 18h12m15s, as "
	"90s or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold on; }",
	"1:57: 'on' is no time; expected off, or 3s to 18h12m15s, as 90s or "
	"10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; hold 90; send-hold "
     "90; }",
	"1:71: send-hold is not longer than hold; expected off or more than "
	"1m30s (RFC 9687)\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; restart-time 0; }",
	"1:65: '0' is out of range; expected 1s to 1h8m15s, as 90s or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; restart-time 4096; }",
	"1:65: '4096' is out of range; expected 1s to 1h8m15s, as 90s or "
	"10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; connect-retry off; }",
	"1:66: 'off' is no time; expected 1s to 18h12m15s, as 90s or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; llgr 16777216; }",
	"1:57: '16777216' is out of range; expected off, or 0s to "
	"194d4h20m15s, as 90s or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; selection-deferral "
     "2h; }",
	"1:71: '2h' is out of range; expected 1s to 1h, as 90s or 10m\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; graceful-restart yes; "
     "}",
	"1:69: 'yes' is unknown; expected on or off\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; graceful-restart of; "
     "}",
	"1:69: 'of' is unknown; expected on or off (did you mean 'off'?)\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; lan 10.0.0.0; }",
	"1:56: '10.0.0.0' is no prefix; expected ADDRESS/LENGTH as "
	"192.0.2.0/24 or 2001:db8::/32\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; lan 10.0.0.1/8, "
     "10.0.0.0/33, fe80::1/10; }",
	"1:56: 10.0.0.1/8 has bits set beyond its length; expected 10.0.0.0/8\n"
	"1:68: '10.0.0.0/33' is no prefix; expected ADDRESS/LENGTH as "
	"192.0.2.0/24 or 2001:db8::/32\n"
	"1:81: fe80::1/10 has bits set beyond its length; expected "
	"fe80::/10\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; lan 10.0.0.0/8, "
     "10.0.0.0/8; }",
	"1:68: '10.0.0.0/8' is given twice; expected each once\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; lan 10.0.0.0/8 "
     "11.0.0.0/8; }",
	"1:67: found '11.0.0.0/8'; expected ',' or ';'\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; lan 10.0.0.0/8,; }",
	"1:67: found ';'; expected ADDRESS/LENGTH as 192.0.2.0/24 or "
	"2001:db8::/32\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; listen ::1; }",
	"1:59: '::1' is given twice; expected each once\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; listen 10.0.0.256; }",
	"1:59: '10.0.0.256' is no address; expected an address as 192.0.2.1 or "
	"2001:db8::1\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; listen 224.0.0.1; }",
	"1:59: 224.0.0.1 is a multicast address; expected a router's own "
	"address\n"},
    {"exchange X { router-id 1.1.1.1; listen ::1; asn 1; listen 10.0.0.1, "
     "10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8; }",
	"1:129: too many values for 'listen'; expected at most 8\n"},
    {"exchange X { asn 0; router-id 0.0.0.0; listen ::1; }",
	"1:18: AS 0 is reserved (RFC 7607); expected the AS number of a "
	"network\n"
	"1:31: '0.0.0.0' is no router-id; expected 32 bits written as an IPv4 "
	"address, not 0.0.0.0\n"},
    {"exchange X { asn 23456; router-id ::1; listen ::1; }",
	"1:18: AS 23456 is AS_TRANS (RFC 6793); expected the AS number of a "
	"network\n"
	"1:35: '::1' is no router-id; expected 32 bits written as an IPv4 "
	"address, not 0.0.0.0\n"},
    {"exchange X { asn 65535; router-id 1; listen ::1; }",
	"1:18: AS 65535 is reserved (RFC 7300); expected the AS number of a "
	"network\n"
	"1:35: '1' is no router-id; expected 32 bits written as an IPv4 "
	"address, not 0.0.0.0\n"},
    {"exchange X { asn 4294967295; router-id 1.1.1.1; listen ::1; }",
	"1:18: AS 4294967295 is reserved (RFC 7300); expected the AS number of "
	"a network\n"},
    {"exchange X { asn 4294967296; router-id 1.1.1.1; listen ::1; }",
	"1:18: '4294967296' is no AS number; expected 1 to 4294967294, written "
	"as 64500 or 1.10\n"},
    {"exchange X { asn 0.23456; router-id 1.1.1.1; listen ::1; }",
	"1:18: AS 23456 is AS_TRANS (RFC 6793); expected the AS number of a "
	"network\n"},
    {"exchange X { asn 65536.1; router-id 1.1.1.1; listen ::1; }",
	"1:18: '65536.1' is no AS number; expected 1 to 4294967294, written as "
	"64500 or 1.10\n"},
    {"exchange X { asn = 1; router-id 1.1.1.1; listen ::1; }",
	"1:18: '=' has no meaning here; expected a value right after the "
	"directive's name, as 'hold 90s;'\n"},
    {"exchange X { asn 1\nrouter-id 1.1.1.1\nlisten ::1\n}",
	"1:19: missing ';' after '1'; expected it here\n"
	"2:18: missing ';' after '1.1.1.1'; expected it here\n"
	"3:11: missing ';' after '::1'; expected it here\n"},
    {"exchange X\nasn 1; router-id 1.1.1.1; listen ::1; }",
	"2:1: found 'asn'; expected '{'\n"},
    {"exchange X asn { }", "1:12: found 'asn'; expected '{'\n"},
    {EXCHANGE "policy { preset stirct; }",
	"2:17: 'stirct' is unknown; expected strict or open (did you mean "
	"'strict'?)\n"},
    {EXCHANGE "policy { preset; }",
	"2:16: found ';'; expected strict or open\n"},
    {EXCHANGE "policy { unknown-attributes keep; }",
	"2:29: 'keep' is unknown; expected relay, discard or withdraw\n"},
    {EXCHANGE "policy { prefix-length ipv4 24-8; }",
	"2:29: '24-8' is no range of prefix lengths; expected MIN-MAX between "
	"0 and 32, as 8-24\n"},
    {EXCHANGE "policy { prefix-length ipv4 8; }",
	"2:29: '8' is no range of prefix lengths; expected MIN-MAX between 0 "
	"and 32, as 8-24\n"},
    {EXCHANGE "policy { prefix-length ipv5 8-24; }",
	"2:24: 'ipv5' is unknown; expected ipv4 or ipv6 (did you mean "
	"'ipv4'?)\n"},
    {EXCHANGE "policy { prefix-length ipv6 19-129; }",
	"2:29: '19-129' is no range of prefix lengths; expected MIN-MAX "
	"between 0 and 128, as 19-48\n"},
    {EXCHANGE "policy { max-path 0; }",
	"2:19: '0' is out of range; expected 1 to 1000\n"},
    {EXCHANGE "policy { max-communities 16385; }",
	"2:26: '16385' is out of range; expected 0 to 16384\n"},
    {EXCHANGE "policy { transit-free 174, 0, x, 3356; }",
	"2:28: AS 0 is reserved (RFC 7607); expected the AS number of a "
	"network\n"
	"2:31: 'x' is no AS number; expected 1 to 4294967294, written as 64500 "
	"or 1.10\n"},
    {EXCHANGE "policy { rov reject; aspa reject; source-validation count; }",
	"2:35: 'source-validation' (source validation) is not in this version; "
	"expected it to be left out\n"},
    {EXCHANGE "policy { rov warn; aspa on; }",
	"2:14: 'warn' is unknown; expected reject, require, mark or off\n"
	"2:25: 'on' is unknown; expected reject, mark or off\n"},
    {EXCHANGE "policy { hold 3; }",
	"2:10: 'hold' cannot stand in 'policy'; expected it in 'exchange'\n"},
    {EXCHANGE "policy { password \"x\"; }",
	"2:10: 'password' cannot stand in 'policy'; expected it in 'at'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; asn 2; }",
	"2:32: 'asn' is given twice, first in line 2; expected it once\n"},
    {EXCHANGE "member A { at 10.0.0.1; }",
	"2:1: member \"A\" has no 'asn'; expected 'asn NUMBER;'\n"},
    {EXCHANGE "member A { asn 1; }",
	"2:1: member \"A\" has no 'at'; expected 'at ADDRESS [, ADDRESS ...] "
	"[{ ... }];'\n"},
    {EXCHANGE "member A { asn 64500; at 10.0.0.1; }",
	"2:16: AS64500 is the exchange's own; expected the member's\n"},
    {EXCHANGE
	"member A { asn 1; at 10.0.0.1; } member A { asn 2; at 10.0.0.2; }",
	"2:41: the name \"A\" is taken by the member of line 2; expected "
	"another\n"},
    {EXCHANGE
	"member A { asn 1; at 10.0.0.1; } member B { asn 1; at 10.0.0.1; }",
	"2:55: 10.0.0.1 is taken in line 2; expected each address once\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1, 10.0.0.1 { password \"a\"; } at "
	      "10.0.0.1 { password \"b\"; } }",
	"2:32: 10.0.0.1 is taken in line 2; expected each address once\n"
	"2:62: 10.0.0.1 is taken in line 2; expected each address once\n"},
    {WITH_LAN "member A { asn 1; at 192.0.2.2, 192.0.3.2, 2001:db8::2; }",
	"2:33: 192.0.3.2 lies outside the peering LAN; expected an address in "
	"192.0.2.0/24\n"
	"2:44: 2001:db8::2 lies outside the peering LAN; expected an address "
	"in 192.0.2.0/24\n"},
    {WITH_LAN "member A { asn 1; at 192.0.2.1; }",
	"2:22: 192.0.2.1 is the exchange's own listen address; expected the "
	"member's\n"},
    {"exchange X { asn 5; router-id 1.1.1.1; listen 192.0.2.1; } member A { "
     "asn 1; at 2001:db8::2; }",
	"1:81: the exchange does not listen on IPv6; expected a listen address "
	"of that family\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; at 0.0.0.0, ::, ff02::1, "
	      "fe80::1, ::ffff:10.0.0.2, 255.255.255.255, 10.0.0/8; }",
	"2:35: 0.0.0.0 is the unspecified address; expected a router's own "
	"address\n"
	"2:44: :: is the unspecified address; expected a router's own address\n"
	"2:48: ff02::1 is a multicast address; expected a router's own "
	"address\n"
	"2:57: fe80::1 is a link-local address; expected a router's own "
	"address\n"
	"2:66: ::ffff:10.0.0.2 is an IPv4 address written as IPv6; expected a "
	"router's own address\n"
	"2:83: 255.255.255.255 is a reserved address; expected a router's own "
	"address\n"
	"2:100: '10.0.0/8' is no address; expected an address as 192.0.2.1 or "
	"2001:db8::1\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; as-set ALPHA; }",
	"2:39: 'ALPHA' is no as-set; expected a name as AS-ALPHA or "
	"AS64501:AS-ALL, at most 63 letters\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; as-set \"AS-ALPHA\"; }",
	"2:39: a string is no as-set; expected a name as AS-ALPHA or "
	"AS64501:AS-ALL, at most 63 letters\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; as-set AS-ALPHA AS-BETA; }",
	"2:48: found 'AS-BETA'; expected ';'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.0.0.0/8 le 7; }",
	"2:53: '7' is out of range; expected 8 to 32\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.0.0.0/8 le 33; }",
	"2:53: '33' is out of range; expected 8 to 32\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.0.0.0/8 ge 24 le 23, "
	      "10.1.0.0/16; }",
	"2:59: '23' is out of range; expected 24 to 32\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.0.0.0/8 le; }",
	"2:52: found ';'; expected 8 to 32\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.0.0.0/8 lt 9; }",
	"2:50: found 'lt'; expected ',' or ';'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.0.0.1; }",
	"2:39: '10.0.0.1' is no prefix; expected ADDRESS/LENGTH as "
	"192.0.2.0/24 or 2001:db8::/32\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; prefix 10.1.0.0/8 le 24; }",
	"2:39: 10.1.0.0/8 has bits set beyond its length; expected "
	"10.0.0.0/8\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; origin AS0, 65535, 5; }",
	"2:39: AS 0 is reserved (RFC 7607); expected the AS number of a "
	"network\n"
	"2:44: AS 65535 is reserved (RFC 7300); expected the AS number of a "
	"network\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; max-prefix 1, 2, 3; }",
	"2:47: found ','; expected ';'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; max-prefix many; }",
	"2:43: 'many' is no number of routes; expected 0 to 4294967295\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; max-prefix 4294967296; }",
	"2:43: '4294967296' is out of range; expected 0 to 4294967295\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; add-path bot; }",
	"2:41: 'bot' is unknown; expected rx, tx, both or off (did you mean "
	"'both'?)\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; hold 2; }",
	"2:37: '2' is out of range; expected off, or 3s to 18h12m15s, as 90s "
	"or 10m\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; shutdown now; }",
	"2:41: found 'now'; expected ';'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; shutdown \"" TEXT_129 "\"; }",
	"2:41: the text is too long; expected at most 128 bytes\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; gateway customer; }",
	"2:32: 'gateway' (the gateway half) is not in this version; expected "
	"it to be left out\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; mac 02:00:00:00:00:11; }",
	"2:32: 'mac' cannot stand in 'member'; expected it in 'at'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; password \"x\"; }",
	"2:32: 'password' cannot stand in 'member'; expected it in 'at'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; max-prefxi 1; }",
	"2:32: unknown directive 'max-prefxi' in 'member'; expected one of its "
	"directives (did you mean 'max-prefix'?)\n"},
    {EXCHANGE
	"member A { asn 1; at 10.0.0.1; member B { asn 2; at 10.0.0.2; } }",
	"2:32: 'member' stands in member \"A\" of line 2; expected '}' before "
	"it\n"
	"2:65: '}' closes nothing; expected " BLOCKS "\n"},
    {EXCHANGE "member { asn 1; at 10.0.0.1; }",
	"2:8: 'member' has no name; expected 'member \"NAME\" {'\n"},
    {EXCHANGE
	"member A { asn 1; at 10.0.0.1;\nmember B { asn 2; at 10.0.0.2; }",
	"3:1: 'member' stands in member \"A\" of line 2; expected '}' before "
	"it\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password \"x\";\n }\nmember B { "
	      "asn 2; at 10.0.0.2; }",
	"4:1: 'member' stands in member \"A\" of line 2; expected '}' before "
	"it\n"},
    {EXCHANGE "member A { asn 1; at; }",
	"2:21: found ';'; expected an address as 192.0.2.1 or 2001:db8::1\n"},
    {EXCHANGE "member A { asn 1; at { gtsm on; } }",
	"2:22: found '{'; expected an address as 192.0.2.1 or 2001:db8::1\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 gtsm on; }",
	"2:31: found 'gtsm'; expected ';'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 }",
	"2:30: missing ';' after '10.0.0.1'; expected it here\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { gtsm on } }",
	"2:40: missing ';' after 'on'; expected it here\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password \"\"; } }",
	"2:42: the password is empty; expected 1 to 80 bytes\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password x; } }",
	"2:42: 'password' has no string; expected 1 to 80 bytes in double "
	"quotes\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password \"" SECRET_81 "\"; } }",
	"2:42: the password is too long; expected 1 to 80 bytes\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password; } }",
	"2:41: 'password' has no string; expected 1 to 80 bytes in double "
	"quotes\n"},
    {EXCHANGE
	"member A { asn 1; at 10.0.0.1 { password \"a\"; password \"b\"; } }",
	"2:47: 'password' is given twice, first in line 2; expected it once\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password \"a\" \"b\"; } }",
	"2:46: found a string; expected ';'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { password \"a\" } }",
	"2:45: missing ';' after the password; expected it here\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { gtsm 1; } }",
	"2:38: '1' is unknown; expected on or off\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { port ix1; } }",
	"2:38: 'ix1' is no number; expected 1 to 65535\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { port 0; } }",
	"2:38: '0' is out of range; expected 1 to 65535\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { mac 02:00:00:00:00:11; } }",
	"2:33: 'mac' (the fabric) is not in this version; expected it to be "
	"left out\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { asn 2; } }",
	"2:33: 'asn' cannot stand in 'at'; expected it in 'member'\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { passwrod \"a\"; } }",
	"2:33: unknown directive 'passwrod' in 'at'; expected one of its "
	"directives (did you mean 'password'?)\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1 { at 10.0.0.2; } }",
	"2:33: 'at' cannot stand in 'at'; expected it in 'member'\n"},
    {EXCHANGE "member \"A { asn 1; at 10.0.0.1; }",
	"2:8: the string is not closed; expected '\"' in the same line\n"},
    {EXCHANGE "member \"A\\n\" { asn 1; at 10.0.0.1; }",
	"2:10: unknown escape in a string; expected \\\" or \\\\\n"},
    {EXCHANGE "member \"A\x01\" { asn 1; at 10.0.0.1; }",
	"2:10: byte 0x01 in a string; expected UTF-8 text without control "
	"characters\n"},
    {EXCHANGE "member \x80\x81 A { asn 1; at 10.0.0.1; }",
	"2:8: byte 0x80 is not UTF-8; expected UTF-8 text\n"},
    {EXCHANGE "member \"\xe1\x9e\x9f\xe1\x9e\x96\" { asn 0; at 10.0.0.1; }",
	"2:19: AS 0 is reserved (RFC 7607); expected the AS number of a "
	"network\n"},
    {EXCHANGE "member A { asn 1; at 10.0.0.1; } %$ @!",
	"2:34: unknown block '%'; expected " BLOCKS "\n"
	"2:35: '$' has no meaning here; expected a word, a \"string\" or one "
	"of { } ; ,\n"
	"2:38: '!' has no meaning here; expected a word, a \"string\" or one "
	"of { } ; ,\n"},
    {"exchange \"X\n\tasn 1;\n\trouter-id 1.1.1.1;\n\tlisten ::1;\n}",
	"1:10: the string is not closed; expected '\"' in the same line\n"
	"2:2: found 'asn'; expected '{'\n"},
    {"exchange \"X {\n\tasn 1;\n\trouter-id 1.1.1.1;\n\tlisten ::1;\n}",
	"1:10: the string is not closed; expected '\"' in the same line\n"},
    {EXCHANGE "policy { preset \"strict; }",
	"2:17: the string is not closed; expected '\"' in the same line\n"
	"2:17: found a string; expected strict or open\n"},
};
