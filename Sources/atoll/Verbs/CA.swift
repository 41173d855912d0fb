import ArgumentParser
import Foundation
import Primitives
import Transport

/// `atoll ca …`: the cluster's authority, for nodes on real machines.
struct CA: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Make a cluster's authority and its nodes' certificates.", subcommands: [CAInit.self, CAIssue.self])
}

struct CAInit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a new cluster identity: authority, gossip key and admin token.")
    @Argument(help: "A new directory. Keep it off the nodes: whoever has ca-key.pem can add nodes.") var directory: String
    func run() async throws {
        guard !ClusterAuthority.exists(in: directory) else {
            throw CommandFailure.usage("ca init", directory, "there is an authority already", hint: "choose another directory")
        }
        try LocalFiles.makeDirectory(directory, mode: 0o700)
        let id = Base62.encode(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        do {
            try ClusterAuthority.create(clusterID: id).save(to: directory)
            try KeyRing.create().save(to: "\(directory)/gossip-keys")
            try LocalFiles.write("atoll-" + Hex.encode(try randomBytes(32)) + "\n", to: "\(directory)/admin-token", secret: true)
        } catch let error as TransportError {
            throw CommandFailure("ca init", directory, error.description)
        }
        Terminal.line(
            """
            Made the cluster \(id) in \(directory):
              ca.pem, ca-key.pem   the authority; ca-key.pem stays here
              gossip-keys          to every node
              admin-token          to every node, and to those who administer the cluster
            Next: atoll ca issue \(directory) --node 1 --host ADDRESS OUTPUT-DIRECTORY
            """)
    }
}

struct CAIssue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "issue", abstract: "Make a node's key and certificate.")
    @Argument(help: "The authority's directory.") var authority: String
    @Argument(help: "Where node.pem, node-key.pem and ca.pem go: the node's tls_dir.") var output: String
    @Option(help: "The node's number, from 1.") var node: UInt64
    @Option(help: "A name or address of the node; may be said several times, the one that others use first.") var host: [String] = []
    @Option(help: "The node's name: with --region and --seed, also writes node.yaml for a node that joins.") var name: String?
    @Option(help: "The node's region.") var region: String?
    @Option(help: "host:port of the peer port of a node that is there; may be said several times.") var seed: [String] = []
    @Option(help: "Where these files will lie on the node.") var directory = "/etc/atoll"

    func run() async throws {
        guard node > 0 else { throw CommandFailure.usage("ca issue", "--node 0", "numbers begin with 1") }
        guard !TLSIdentity.exists(in: output) else {
            throw CommandFailure.usage("ca issue", output, "there is an identity already", hint: "choose another directory")
        }
        do {
            let identity = try ClusterAuthority.load(from: authority).issue(
                node: NodeID(node), hosts: host + ["localhost", "127.0.0.1", "::1"])
            try LocalFiles.makeDirectory(output, mode: 0o700)
            try identity.save(to: output)
            try copySecrets()
            let configuration = try writeConfiguration(identity.clusterID)
            Terminal.line("Made the identity of node \(node) of cluster \(identity.clusterID) in \(output).")
            Terminal.line(
                "  node.pem, node-key.pem, ca.pem, gossip-keys, admin-token\(configuration ? ", node.yaml" : ""): all go to the node")
        } catch let error as TransportError {
            throw CommandFailure("ca issue", authority, error.description)
        }
    }

    /// What every node has: beside its own identity, so that one directory goes to the machine.
    private func copySecrets() throws {
        for name in ["gossip-keys", "admin-token"] where LocalFiles.exists("\(authority)/\(name)") {
            try LocalFiles.write(try LocalFiles.text("\(authority)/\(name)"), to: "\(output)/\(name)", secret: true)
        }
    }

    /// The configuration of a node that joins; false where too little was said for one.
    private func writeConfiguration(_ cluster: String) throws -> Bool {
        guard let name, let region, let address = host.first, !seed.isEmpty else {
            guard name == nil, region == nil, seed.isEmpty else {
                throw CommandFailure.usage("ca issue", output, "node.yaml needs --name, --region, --host and --seed")
            }
            return false
        }
        let path = "\(output)/node.yaml"
        let seeds = seed.map { "\"\($0)\"" }.joined(separator: ", ")
        try LocalFiles.write(
            """
            # A node that joins the cluster: docs/reference/configuration.md has every setting.
            node: {id: \(node), name: \(name), region: \(region)}
            cluster: {id: \(cluster), name: production}
            data_dir: /var/lib/atoll
            tls_dir: \(directory)
            gossip_key_file: \(directory)/gossip-keys
            admin_token_file: \(directory)/admin-token
            listen: {host: 0.0.0.0, peer: 7400, gossip: 7400, http: 7480}
            advertise_host: \(address)
            seeds: [\(seeds)]
            limits: {weight: 100}

            """, to: path)
        _ = try ReadConfig.read(path)
        return true
    }
}
