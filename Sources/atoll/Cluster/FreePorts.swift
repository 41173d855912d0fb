import Foundation
import Router

/// Ports of loopback that nobody uses. They are drawn below the range from which the kernel takes
/// the ports of outgoing connections, so that they are still free at the next start.
enum FreePorts {
    private static let range = 20_000..<32_000

    /// As many distinct ports, each free for TCP and for UDP; all are held until the last is found.
    static func take(_ count: Int) throws -> [Int] {
        var ports: [Int] = []
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        var attempts = 0
        while ports.count < count {
            attempts += 1
            guard attempts < 200 + 20 * count else { throw CommandFailure("up", "ports", "no \(count) free ports between 20000 and 32000") }
            let port = Int.random(in: range)
            guard !ports.contains(port), let stream = bound(port, SOCK_STREAM) else { continue }
            guard let datagram = bound(port, SOCK_DGRAM) else {
                close(stream)
                continue
            }
            sockets += [stream, datagram]
            ports.append(port)
        }
        return ports
    }

    private static func bound(_ port: Int, _ type: __socket_type) -> Int32? {
        let file = socket(AF_INET, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0 else {
            close(file)
            return nil
        }
        return file
    }
}

/// Where new nodes listen: on ports of loopback that are free, or on an address of their own in their region's namespace.
struct NodeAddresses {
    private let network: ClusterFile.Network
    private var ports: [Int] = []

    init(_ network: ClusterFile.Network, count: Int) throws {
        self.network = network
        if network == .loopback { ports = try FreePorts.take(count * 4) }
    }

    /// For the node of that number (from 1) in the region at that place of the cluster's list.
    mutating func next(region: Int, node: Int) throws -> (peer: String, gossip: String, http: String, nfs: String) {
        switch network {
        case .loopback:
            func address() -> String { "127.0.0.1:\(ports.removeLast())" }
            return (address(), address(), address(), address())
        case .namespaces(let subnet):
            guard node <= Subnet.nodeLimit else {
                throw CommandFailure(
                    "up", "node \(node) of a region", "a region of network namespaces has \(Subnet.nodeLimit) addresses, each used once",
                    hint: "make a new cluster in another --data-dir")
            }
            let host = subnet.node(region: region, node: node)
            return ("\(host):7400", "\(host):7400", "\(host):7480", "\(host):2049")
        }
    }
}
