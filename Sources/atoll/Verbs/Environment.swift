import APIClient
import APISchema
import ArgumentParser
import Filesystem

/// `atoll environment …`: what names of file systems and apps are unique in.
struct Environment: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environment", abstract: "Environments: each has names of its own for file systems and apps.",
        subcommands: [EnvironmentCreate.self, EnvironmentList.self, EnvironmentDelete.self])
}

struct EnvironmentCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Create an environment.")
    @Argument(help: "1 to 64 of A-Z a-z 0-9 - _ .") var name: String
    @OptionGroup var cluster: EndpointOptions
    func run() async throws {
        try await Connection.run(cluster, .any, "environment create") { connection in
            do throws(FileFailure) {
                try await connection.client.createEnvironment(name)
            } catch {
                throw error.naming("'\(name)'")
            }
            Terminal.line("Created environment '\(name)'. Verbs take it as `-e \(name)`.")
        }
    }
}

struct EnvironmentList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List environments.")
    @OptionGroup var cluster: EndpointOptions
    @OptionGroup var output: OutputOptions
    func run() async throws {
        try await Connection.run(cluster, .any, "environment list") { connection in
            let environments = try await connection.client.environments()
            guard !output.json else { return Show.json("environments", environments) }
            var table = Table("Name", "Created at", "Created by")
            for environment in environments { table.add(environment.name, environment.created, environment.createdBy) }
            table.show()
        }
    }
}

struct EnvironmentDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete an environment in which there is nothing.")
    @Argument var name: String
    @OptionGroup var confirm: ConfirmOptions
    @OptionGroup var cluster: EndpointOptions
    func run() async throws {
        try Terminal.confirm("Delete the environment '\(name)'?", yes: confirm.yes, operation: "environment delete", object: name)
        try await Connection.run(cluster, .any, "environment delete") { connection in
            do throws(FileFailure) {
                try await connection.client.deleteEnvironment(name)
            } catch {
                throw error.naming("'\(name)'")
            }
            Terminal.line("Deleted environment '\(name)'.")
        }
    }
}
