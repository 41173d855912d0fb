/// The addresses of one cluster: 10.X.0.0/16, in it 10.X.R.0/24 for its region number R (from 1) with
/// its nodes at .1 to .250 and programs that were started there at .254, and 10.X.255.1 for the machine itself.
package struct Subnet: Hashable, Sendable, CustomStringConvertible {
    /// The second byte.
    package let number: UInt8

    package static let regionLimit = 250
    package static let nodeLimit = 250

    package init(number: UInt8) { self.number = number }

    /// `10.77.0.0/16`
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "10", let number = UInt8(parts[1]), parts[2] == "0", parts[3] == "0/16" else { return nil }
        self.number = number
    }

    package var description: String { "10.\(number).0.0/16" }
    package var address: UInt32 { 10 << 24 | UInt32(number) << 16 }
    package static let mask: UInt32 = 0xffff_0000
    package static let regionMask: UInt32 = 0xffff_ff00

    /// `region` is a place, from 0; `node` counts from 1.
    package func node(region: Int, node: Int) -> String { "10.\(number).\(region + 1).\(node)" }
    func first(region: Int) -> UInt32 { address | UInt32(region + 1) << 8 | 1 }
    func program(region: Int) -> UInt32 { address | UInt32(region + 1) << 8 | 254 }
    var machine: UInt32 { address | 255 << 8 | 1 }

    enum Place: Hashable {
        case region(Int)
        case machine
        case elsewhere
    }

    /// Whose an address is; regions may be more than there are.
    func place(of other: UInt32) -> Place {
        guard other & Self.mask == address else { return .elsewhere }
        switch (other >> 8) & 0xff {
        case 0: return .elsewhere
        case 255: return other == machine ? .machine : .elsewhere
        case let number: return .region(Int(number) - 1)
        }
    }
}

/// A range of addresses that this machine uses.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let address: UInt32
    package let mask: UInt32
    package let interface: String

    package init(address: UInt32, mask: UInt32, interface: String) {
        self.address = address
        self.mask = mask
        self.interface = interface
    }

    package func overlaps(_ subnet: Subnet) -> Bool {
        let common = mask & Subnet.mask
        return address & common == subnet.address & common
    }

    package var description: String {
        let bytes = [24, 16, 8, 0].map { String((address >> UInt32($0)) & 0xff) }.joined(separator: ".")
        return "\(bytes)/\(mask.nonzeroBitCount) on \(interface)"
    }

    /// The routes of `/proc/net/route` but for the default: addresses are hexadecimal, in the machine's byte order.
    package static func routes(_ table: String) -> [AddressRange] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count > 7, let address = UInt32(fields[1], radix: 16), let mask = UInt32(fields[7], radix: 16), mask != 0 else {
                return nil
            }
            return AddressRange(address: UInt32(bigEndian: address), mask: UInt32(bigEndian: mask), interface: String(fields[0]))
        }
    }
}
