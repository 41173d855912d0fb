import Foundation
import NodeRuntime

/// A node that the command line or the environment names, of a cluster that need not be on this machine.
struct RemoteEndpoint: Sendable {
    /// `host:port`.
    let address: String
    /// Empty where none is given.
    let token: String
    /// Where the address came from, for errors.
    let source: String

    /// Nil where a local cluster is meant.
    static func named(by options: EndpointOptions, _ operation: String) throws -> RemoteEndpoint? {
        let environment = ProcessInfo.processInfo.environment
        let source = options.endpoint == nil ? "ATOLL_ENDPOINT" : "--endpoint"
        guard let text = options.endpoint ?? (options.dataDirectory == nil ? environment["ATOLL_ENDPOINT"] : nil) else { return nil }
        let address = text.hasPrefix("http://") ? String(text.dropFirst("http://".count)) : text
        guard HostPort(address) != nil else {
            throw CommandFailure.usage(operation, source, "\"\(text)\" is no host:port", hint: "say the HTTP address of a node")
        }
        var token = environment["ATOLL_TOKEN"] ?? ""
        if let file = options.tokenFile ?? environment["ATOLL_TOKEN_FILE"] {
            let given = options.tokenFile == nil ? "ATOLL_TOKEN_FILE" : "--token-file"
            token = try LocalFiles.naming(operation, "\(given) \(file)", hint: "name the file that holds the token") {
                try LocalFiles.text(file).trimmingCharacters(in: .whitespacesAndNewlines)
            }
        }
        return RemoteEndpoint(address: address, token: token, source: source)
    }
}
