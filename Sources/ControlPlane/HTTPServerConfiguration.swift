package import Primitives

/// Settings of the HTTP server of one node.
package struct HTTPServerConfiguration: Sendable {
    /// Address to listen on; loopback unless the node's configuration says otherwise.
    package var host: String
    /// 0 takes a free port.
    package var port: Int
    /// SHA-256 of the token that may do everything. The token itself is not kept.
    package var adminTokenHash: Digest
    /// Whether `/metrics` answers without a token. Default no; a local cluster says yes.
    package var openMetrics: Bool
    /// Whether `PUT /v1/faults/links` is allowed: on a local cluster only.
    package var allowFaults: Bool
    /// Requests in progress at once; more are answered 503. Default 1,024, range 16 to 65,536.
    package var requestLimit: Int
    /// Bytes of one window of a streamed file, and how many windows are in flight. A window is
    /// 64 KiB to 4 MiB (default 1 MiB); more of them hide a longer round trip and cost memory per stream.
    package var windowBytes: Int
    package var windowsInFlight: Int
    /// How long a connection may say nothing: between requests, or within one that is being sent.
    package var idleSeconds: Int

    package init(
        host: String = "127.0.0.1", port: Int = 0, adminTokenHash: Digest, openMetrics: Bool = false, allowFaults: Bool = false,
        requestLimit: Int = 1_024, windowBytes: Int = 1 << 20, windowsInFlight: Int = 4, idleSeconds: Int = 120
    ) {
        precondition((1 << 16...4 << 20).contains(windowBytes), "a window has 64 KiB to 4 MiB, not \(windowBytes) bytes")
        precondition((1...64).contains(windowsInFlight), "1 to 64 windows in flight, not \(windowsInFlight)")
        self.host = host
        self.port = port
        self.adminTokenHash = adminTokenHash
        self.openMetrics = openMetrics
        self.allowFaults = allowFaults
        self.requestLimit = requestLimit
        self.windowBytes = windowBytes
        self.windowsInFlight = windowsInFlight
        self.idleSeconds = idleSeconds
    }
}
