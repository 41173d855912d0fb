import ArgumentParser

/// Which cluster.
struct ClusterOptions: ParsableArguments {
    @Option(name: .customLong("data-dir"), help: "The local cluster's directory (ATOLL_CLUSTER, else ./atoll-data).")
    var dataDirectory: String?
}

/// Which cluster, local or not: what every verb takes that asks nodes by their API.
struct EndpointOptions: ParsableArguments {
    @OptionGroup var cluster: ClusterOptions

    @Option(help: ArgumentHelp("A node of any cluster, instead of a local cluster's (ATOLL_ENDPOINT).", valueName: "host:port"))
    var endpoint: String?

    @Option(
        help: ArgumentHelp("The file with the token; for --endpoint also ATOLL_TOKEN_FILE, and ATOLL_TOKEN is a token.", valueName: "file"))
    var tokenFile: String?

    func validate() throws {
        guard endpoint == nil || cluster.dataDirectory == nil else {
            throw ValidationError("--endpoint and --data-dir name two clusters: say one of them")
        }
    }

    var dataDirectory: String? { cluster.dataDirectory }
}

/// Which cluster, environment and region: what every verb on file systems takes.
struct TargetOptions: ParsableArguments {
    @OptionGroup var cluster: EndpointOptions

    @Option(name: [.customShort("e"), .customLong("env")], help: "The environment.")
    var environment = "main"

    @Option(help: "Where the client is: the region of the node that is asked.")
    var region: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the whole command may take, all its requests together (default: 30 for each request, a commit 120, a clone 600).",
            valueName: "seconds"))
    var timeout: Double?

    func validate() throws {
        guard let timeout else { return }
        guard (0.1...600).contains(timeout) else { throw ValidationError("--timeout takes 0.1 to 600 seconds") }
    }

    var limit: Duration? { timeout.map { .milliseconds(Int64($0 * 1_000)) } }
}

/// What to do about a network file system that lives in another region.
struct DistanceOptions: ParsableArguments {
    @Flag(help: "Refuse where it lives in another region than the client; otherwise there is a warning.")
    var requireLocal = false
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false
}

struct ConfirmOptions: ParsableArguments {
    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false
}
