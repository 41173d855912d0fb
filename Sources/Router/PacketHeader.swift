/// What the router reads of a packet (RFC 791): where it goes, and which flow it belongs to.
struct PacketHeader: Hashable {
    var source: UInt32
    var destination: UInt32
    /// A mix of addresses, protocol and ports; fragments have no ports, and are a flow of their own.
    var flow: UInt32

    /// Nil for what is no whole IPv4 header.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 20, bytes[0] >> 4 == 4 else { return nil }
        func word(_ offset: Int) -> UInt32 { UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        source = word(12)
        destination = word(16)
        let length = Int(bytes[0] & 15) * 4
        let isFragment = word(4) & 0x3fff != 0
        let hasPorts = !isFragment && (bytes[9] == 6 || bytes[9] == 17) && length >= 20 && bytes.count >= length + 4
        let ports = hasPorts ? word(length) : 0
        // Fibonacci hashing of each word: cheap, and spreads ports that follow each other.
        var mix = source &* 0x9e37_79b1
        mix = (mix ^ destination) &* 0x9e37_79b1
        mix = (mix ^ ports) &* 0x9e37_79b1
        mix = (mix ^ UInt32(bytes[9])) &* 0x9e37_79b1
        flow = mix >> 16
    }
}
