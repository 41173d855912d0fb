import Foundation
import Router

/// The router of a cluster with network namespaces, and measurements inside of its regions.
struct LiveNetwork: Sendable {
    /// Why there are no such clusters here; empty where there are.
    static let obstacle: String = NetworkNamespace.obstacle()?.cause ?? ""

    let router: Int32
    private let device: String
    private let subnet: String
    private let regions: [String]
    private let namespaces: [String: String]
    /// The kernel's numbers of the namespaces.
    private let numbers: Set<UInt64>
    private let cluster: String

    init(_ cluster: LocalCluster) throws {
        func json(_ name: String) throws -> [String: Any] {
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(cluster.directory)/\(name)"))
            return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
        }
        let file = try json("cluster.json")
        let router = try json("router.json")
        self.cluster = cluster.directory
        self.router = (router["pid"] as? NSNumber)?.int32Value ?? 0
        device = "atoll\((file["cluster_id"] as? String ?? "").prefix(8))"
        subnet = (file["subnet"] as? String ?? "").replacingOccurrences(of: ".0.0/16", with: ".")
        regions = file["regions"] as? [String] ?? []
        namespaces = router["endpoints"] as? [String: String] ?? [:]
        numbers = Set(namespaces.values.compactMap(Self.number))
    }

    private static func number(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// Milliseconds that plain TCP connects took which a shell made inside of a region, or on this machine, in
    /// order; those that took over three seconds are missing.
    func connects(from region: String?, to address: String, count: Int) -> [Double] {
        let parts = address.split(separator: ":")
        let script = """
            for ((i = 0; i < \(count); i++)); do s=$EPOCHREALTIME; exec 3<>/dev/tcp/\(parts[0])/\(parts[1]) || exit 1
            e=$EPOCHREALTIME; exec 3>&-; echo $(( ${e/./} - ${s/./} )); done
            """
        // By a signal that can not be blocked: what a test starts has the blocked signals of the thread that starts it.
        let words = ["timeout", "--signal", "KILL", "\(3 + count)", "bash", "-c", script]
        let result =
            region.map { LocalCluster.run(["run", "--data-dir", cluster, "--region", $0, "--"] + words) }
            ?? Self.shell("timeout --signal KILL 60 bash -c '\(script)'")
        return result.output.split(separator: "\n").compactMap { Double($0).map { $0 / 1_000 } }.filter { $0 < 3_000 }.sorted()
    }

    /// One TCP flow through sockets of two regions: from the first byte to the answer that all have come.
    func megabytesPerSecond(from: String, to: String, megabytes: Int) throws -> Double {
        let listener = try NetworkNamespace.within(namespaces[to]!) { try Self.listening() }
        let sender = try NetworkNamespace.within(namespaces[from]!) { try Self.socket() }
        defer { for file in [listener.file, sender] { close(file) } }
        guard let place = regions.firstIndex(of: to) else { throw LocalCluster.Failure(what: "no region \(to)") }
        let host = "\(subnet)\(place + 1).254"
        let sink = Thread {
            let file = accept(listener.file, nil, nil)
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            while read(file, &buffer, buffer.count) > 0 {}
            close(file)
        }
        sink.start()
        var address = Self.address(host, listener.port)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(sender, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw LocalCluster.Failure(what: "connect to \(host): \(errno)") }
        let block = [UInt8](repeating: 1, count: 1_000_000)
        let start = ContinuousClock.now
        for _ in 0..<megabytes {
            var done = 0
            while done < block.count {
                let count = block.withUnsafeBytes { write(sender, $0.baseAddress! + done, block.count - done) }
                guard count > 0 else { throw LocalCluster.Failure(what: "write: \(errno)") }
                done += count
            }
        }
        shutdown(sender, Int32(SHUT_WR))
        var byte: UInt8 = 0
        _ = read(sender, &byte, 1)
        let took = ContinuousClock.now - start
        return Double(megabytes) / (Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)
    }

    private static func socket() throws -> Int32 {
        let file = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard file >= 0 else { throw LocalCluster.Failure(what: "socket: \(errno)") }
        return file
    }

    private static func address(_ host: String, _ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr(host)
        return address
    }

    private static func listening() throws -> (file: Int32, port: UInt16) {
        let file = try socket()
        var address = address("0.0.0.0", 9_000)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard bound == 0, listen(file, 1) == 0 else { throw LocalCluster.Failure(what: "listen: \(errno)") }
        return (file, 9_000)
    }

    /// What there still is of the cluster, in words.
    func whatIsLeft(of cluster: LocalCluster) -> String {
        var left = cluster.processesLeft().map { "process \($0)" }
        if FileManager.default.fileExists(atPath: "/sys/class/net/\(device)") { left.append("device \(device)") }
        if let routes = try? String(contentsOfFile: "/proc/net/route", encoding: .utf8), routes.contains(device) { left.append("a route") }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] where Int32(name) != nil {
            if let number = Self.number("/proc/\(name)/ns/net"), numbers.contains(number) { left.append("\(name) in namespace \(number)") }
        }
        return left.joined(separator: ", ")
    }

    static func shell(_ script: String) -> CommandResult {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script]
        let (out, err) = (Pipe(), Pipe())
        process.standardOutput = out
        process.standardError = err
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return CommandResult(status: -1, output: "", errors: "no shell") }
        let text = out.fileHandleForReading.readDataToEndOfFile()
        let errors = err.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return CommandResult(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }
}
