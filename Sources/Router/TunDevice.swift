internal import CLinux
internal import Glibc

/// One TUN device and, for a region, the descriptor that keeps its namespace. Both end with the router.
struct TunDevice: Sendable {
    let file: Int32
    /// Nil on the machine's own side.
    let namespace: Int32?

    /// Ethernet's, so that loss and slow start count the segments that a real long link has.
    static let mtu: Int32 = 1_500
    /// Packets that wait for the router: a burst of several flows while it does not run for some milliseconds.
    static let queue: Int32 = 5_000
    /// Of the device in each region.
    static let name = "wan"

    /// The machine's side: a device and one route to the whole subnet. The only thing that is changed outside of the regions.
    static func machine(_ name: String, _ subnet: Subnet) throws -> TunDevice {
        TunDevice(file: try make(name, subnet.machine, Subnet.mask), namespace: nil)
    }

    /// A region: a new namespace where the region's addresses are local and all others are behind the device.
    static func region(_ place: Int, _ subnet: Subnet, window: Int?) throws -> TunDevice {
        try NetworkNamespace.new {
            try check(atoll_set_up("lo"), "set up", "lo")
            // On a loopback device the whole range of an address is local: nodes need not be known one by one.
            try check(atoll_set_address("lo:1", subnet.first(region: place), Subnet.regionMask), "give an address to", "lo")
            let file = try make(name, subnet.program(region: place), Subnet.mask)
            for (setting, value) in settings(window: window) { write(value, to: "/proc/sys/net/\(setting)") }
            let namespace = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
            guard namespace >= 0 else {
                close(file)
                throw RouterError.system("open", "/proc/thread-self/ns/net")
            }
            return TunDevice(file: file, namespace: namespace)
        }
    }

    func end() {
        close(file)
        if let namespace { close(namespace) }
    }

    private static func make(_ name: String, _ address: UInt32, _ mask: UInt32) throws -> Int32 {
        let file = atoll_open_tun(name)
        guard file >= 0 else { throw RouterError.system("make", "TUN device \(name)") }
        do {
            try check(atoll_set_mtu(name, mtu), "set the MTU of", name)
            try check(atoll_set_queue(name, queue), "set the queue of", name)
            // IPv6 has no route here; without it the kernel asks for none.
            write("1", to: "/proc/sys/net/ipv6/conf/\(name)/disable_ipv6")
            try check(atoll_set_address(name, address, mask), "give an address to", name)
            try check(atoll_set_up(name), "set up", name)
        } catch {
            close(file)
            throw error
        }
        return file
    }

    /// Buffers that let one flow have the map's window under way: of a buffer full of segments of this MTU
    /// the kernel offers about 59 % (it counts the memory that a segment takes). And no memory of earlier connections, so that each starts slowly, as the first did.
    private static func settings(window: Int?) -> [(String, String)] {
        var out = [("ipv4/tcp_no_metrics_save", "1")]
        if let window {
            let buffer = max(window * 17 / 10, 262_144)
            out += [("ipv4/tcp_rmem", "4096 131072 \(buffer)"), ("ipv4/tcp_wmem", "4096 65536 \(buffer)")]
        }
        return out
    }

    /// Where it can not be written, the kernel's own setting holds.
    private static func write(_ value: String, to path: String) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = value.withCString { Glibc.write(file, $0, strlen($0)) }
        close(file)
    }

    private static func check(_ result: Int32, _ operation: String, _ object: String) throws {
        guard result == 0 else { throw RouterError.system(operation, object) }
    }
}

extension AddressRange {
    /// What this machine uses now: its routes, and the addresses of its devices.
    package static func inUse() -> [AddressRange] {
        var text = ""
        if let file = fopen("/proc/net/route", "re") {
            var line = [CChar](repeating: 0, count: 512)
            while fgets(&line, Int32(line.count), file) != nil {
                text += String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
            fclose(file)
        }
        var out = routes(text)
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return out }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET) else { continue }
            let value = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt32(bigEndian: $0.pointee.sin_addr.s_addr) }
            out.append(AddressRange(address: value, mask: .max, interface: String(cString: entry.ifa_name)))
        }
        return out
    }
}
