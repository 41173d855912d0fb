import Testing

@testable import Router

@Suite struct AddressTests {
    @Test func addressesOfASubnet() throws {
        let subnet = try #require(Subnet("10.77.0.0/16"))
        #expect(subnet.description == "10.77.0.0/16")
        #expect(subnet.node(region: 0, node: 1) == "10.77.1.1")
        #expect(subnet.node(region: 249, node: 250) == "10.77.250.250")
        #expect(subnet.place(of: subnet.first(region: 3)) == .region(3))
        #expect(subnet.place(of: subnet.program(region: 3)) == .region(3))
        #expect(subnet.place(of: subnet.machine) == .machine)
        #expect(subnet.place(of: subnet.address) == .elsewhere)
        #expect(subnet.place(of: subnet.machine + 1) == .elsewhere)
        #expect(subnet.place(of: 10 << 24 | 78 << 16 | 1 << 8 | 1) == .elsewhere)
        for text in ["", "10.77.0.0", "10.256.0.0/16", "11.77.0.0/16", "10.77.1.0/16", "10.77.0.0/8", "10..0.0/16"] {
            #expect(Subnet(text) == nil, "\(text)")
        }
    }

    @Test func rangesInUseAreReadFromTheKernelsTable() throws {
        let table = """
            Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
            eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
            eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
            tun0\t00004D0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
            vpn\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
            bad line
            """
        let ranges = AddressRange.routes(table)
        #expect(ranges.map(\.description) == ["192.0.2.0/24 on eth0", "10.77.0.0/16 on tun0", "10.0.0.0/8 on vpn"])
        #expect(ranges.map { $0.overlaps(Subnet(number: 77)) } == [false, true, true])
        #expect(ranges.map { $0.overlaps(Subnet(number: 78)) } == [false, false, true])
        #expect(AddressRange(address: 10 << 24 | 77 << 16 | 9, mask: .max, interface: "x").overlaps(Subnet(number: 77)))
    }

    static func packet(
        from: UInt32 = 0x0a4d_0101, to: UInt32 = 0x0a4d_0201, transport: UInt8 = 6, ports: (UInt16, UInt16) = (40_000, 7_400),
        fragment: UInt16 = 0
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 40)
        bytes[0] = 0x45
        bytes[9] = transport
        func put(_ value: UInt32, _ offset: Int) {
            for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)) }
        }
        put(UInt32(fragment), 4)
        put(from, 12)
        put(to, 16)
        put(UInt32(ports.0) << 16 | UInt32(ports.1), 20)
        return bytes
    }

    static func header(_ bytes: [UInt8]) -> PacketHeader? { bytes.withUnsafeBytes { PacketHeader($0) } }

    @Test func headersAreReadOrRefused() throws {
        let header = try #require(Self.header(Self.packet()))
        #expect(header.source == 0x0a4d_0101 && header.destination == 0x0a4d_0201)
        #expect(Self.header(Self.packet())?.flow == header.flow)
        #expect(Self.header(Self.packet(ports: (40_001, 7_400)))?.flow != header.flow)
        #expect(Self.header(Self.packet(transport: 17))?.flow != header.flow)
        // Pieces of one datagram have no ports, and are one flow.
        let first = Self.header(Self.packet(transport: 17, ports: (1, 2), fragment: 0x2000))
        let second = Self.header(Self.packet(transport: 17, ports: (3, 4), fragment: 0x00b9))
        #expect(first?.flow == second?.flow)
        #expect(Self.header([]) == nil)
        #expect(Self.header(Array(Self.packet().prefix(19))) == nil)
        var six = Self.packet()
        six[0] = 0x60
        #expect(Self.header(six) == nil)
        // Options longer than the packet: no ports, no reading past its end.
        var long = Array(Self.packet().prefix(21))
        long[0] = 0x4f
        #expect(Self.header(long) != nil)
    }
}
