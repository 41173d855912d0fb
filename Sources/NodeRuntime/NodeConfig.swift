/// The configuration of one node: what may differ from node to node. It is read from a YAML file
/// (`docs/reference/configuration.md`); every setting has a unit, a default where one makes sense,
/// a range and advice, and `check` tells the first mistake by file and key.
///
/// What must agree on all nodes of a cluster is in the catalog, and compared when a node joins.
package struct NodeConfig: Sendable, Hashable, Codable {
    package struct Identity: Sendable, Hashable, Codable {
        /// The node's number, which its certificate carries.
        package var id: UInt64
        /// Unique among the nodes, 1 to 64 of `A-Z a-z 0-9 - _ .`.
        package var name: String
        package var region: String
        /// Whether this node may be the first of its region. Default no, so that a misspelt region is refused.
        package var newRegion = false
        package init(id: UInt64, name: String, region: String) {
            self.id = id
            self.name = name
            self.region = region
        }

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case id, name, region
            case newRegion = "new_region"
        }

        package init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            id = try values.decode(UInt64.self, forKey: .id)
            name = try values.decode(String.self, forKey: .name)
            region = try values.decode(String.self, forKey: .region)
            newRegion = try values.decodeIfPresent(Bool.self, forKey: .newRegion) ?? newRegion
        }
    }

    package struct Cluster: Sendable, Hashable, Codable {
        /// 22 characters of base 62: the 128 bits that tell clusters apart.
        package var id: String
        /// A name for people.
        package var name: String
        package init(id: String, name: String) {
            self.id = id
            self.name = name
        }
    }

    /// Addresses that are listened on. A port of 0 takes a free one at each start.
    package struct Listen: Sendable, Hashable, Codable {
        /// An IP address; loopback unless it is said otherwise.
        package var host: String = "127.0.0.1"
        /// TCP between nodes.
        package var peer: Int = 7400
        /// UDP between nodes.
        package var gossip: Int = 7400
        package var http: Int = 7480
        package init() {}
    }

    /// A node that takes part in the making of the cluster.
    package struct Member: Sendable, Hashable, Codable {
        package var id: UInt64
        package var name: String
        package var region: String
        /// `host:port`, as others reach it.
        package var peer: String
        package var gossip: String
        package var http: String
        package init(id: UInt64, name: String, region: String, peer: String, gossip: String, http: String) {
            self.id = id
            self.name = name
            self.region = region
            self.peer = peer
            self.gossip = gossip
            self.http = http
        }
    }

    package var node: Identity
    package var cluster: Cluster
    /// Where everything durable is kept. One node a directory.
    package var dataDirectory: String
    package var listen = Listen()
    /// Host by which others reach this node, where that is not `listen.host`.
    package var advertiseHost: String?
    /// Holds `node.pem`, `node-key.pem` (mode 0600) and `ca.pem`; made by `atoll ca issue`.
    package var tlsDirectory: String
    /// The gossip key ring (mode 0600), the same on all nodes; made by `atoll ca init`.
    package var gossipKeyFile: String
    /// Holds the admin token (mode 0600), the same on all nodes.
    package var adminTokenFile: String
    /// `host:port` of some other nodes' peer ports, to join by; those that are this node are ignored.
    package var seeds: [String] = []
    /// The nodes that make the cluster at its first start, this one among them, in the order of their
    /// numbers; the same on all of them. Empty on nodes that join later.
    package var bootstrap: [Member] = []
    /// Link rules in XDR that shape this node's links; only on a local cluster.
    package var linkRulesFile: String?
    package var http = HTTPSettings()
    /// Nil: NFS is not served.
    package var nfs: NFSSettings?
    package var limits = NodeLimits()

    package init(
        node: Identity, cluster: Cluster, dataDirectory: String, tlsDirectory: String, gossipKeyFile: String, adminTokenFile: String
    ) {
        self.node = node
        self.cluster = cluster
        self.dataDirectory = dataDirectory
        self.tlsDirectory = tlsDirectory
        self.gossipKeyFile = gossipKeyFile
        self.adminTokenFile = adminTokenFile
    }

    /// The host that others are told.
    package var advertisedHost: String { advertiseHost ?? listen.host }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case node, cluster, listen, seeds, bootstrap, http, nfs, limits
        case dataDirectory = "data_dir"
        case advertiseHost = "advertise_host"
        case tlsDirectory = "tls_dir"
        case gossipKeyFile = "gossip_key_file"
        case adminTokenFile = "admin_token_file"
        case linkRulesFile = "link_rules_file"
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        node = try values.decode(Identity.self, forKey: .node)
        cluster = try values.decode(Cluster.self, forKey: .cluster)
        dataDirectory = try values.decode(String.self, forKey: .dataDirectory)
        listen = try values.decodeIfPresent(Listen.self, forKey: .listen) ?? Listen()
        advertiseHost = try values.decodeIfPresent(String.self, forKey: .advertiseHost)
        tlsDirectory = try values.decode(String.self, forKey: .tlsDirectory)
        gossipKeyFile = try values.decode(String.self, forKey: .gossipKeyFile)
        adminTokenFile = try values.decode(String.self, forKey: .adminTokenFile)
        seeds = try values.decodeIfPresent([String].self, forKey: .seeds) ?? []
        bootstrap = try values.decodeIfPresent([Member].self, forKey: .bootstrap) ?? []
        linkRulesFile = try values.decodeIfPresent(String.self, forKey: .linkRulesFile)
        http = try values.decodeIfPresent(HTTPSettings.self, forKey: .http) ?? HTTPSettings()
        nfs = try values.decodeIfPresent(NFSSettings.self, forKey: .nfs)
        limits = try values.decodeIfPresent(NodeLimits.self, forKey: .limits) ?? NodeLimits()
    }
}

extension NodeConfig.Listen {
    package enum CodingKeys: String, CodingKey, CaseIterable { case host, peer, gossip, http }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        host = try values.decodeIfPresent(String.self, forKey: .host) ?? host
        peer = try values.decodeIfPresent(Int.self, forKey: .peer) ?? peer
        gossip = try values.decodeIfPresent(Int.self, forKey: .gossip) ?? gossip
        http = try values.decodeIfPresent(Int.self, forKey: .http) ?? http
    }
}
