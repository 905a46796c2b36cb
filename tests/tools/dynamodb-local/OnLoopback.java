import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBRequestHandler;
import com.amazonaws.services.dynamodbv2.local.server.LocalDynamoDBServerHandler;
import java.net.InetSocketAddress;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * DynamoDB Local on a free port of the loopback interface, in memory. Its own main class listens on all interfaces, on a
 * port that has to be chosen before, and reports its use.
 */
class OnLoopback {
  public static void main(String[] arguments) throws Exception {
    int unused = 0;
    boolean inMemory = true;
    boolean sharedByAllCredentials = true;
    boolean slowTables = false;
    var requests = new LocalDynamoDBRequestHandler(unused, inMemory, null, sharedByAllCredentials, slowTables);
    var server = new Server(new InetSocketAddress("127.0.0.1", 0));
    server.setHandler(new LocalDynamoDBServerHandler(requests, null));
    server.start();
    var connector = (ServerConnector) server.getConnectors()[0];
    System.out.println("listening on 127.0.0.1:" + connector.getLocalPort());
    server.join();
  }
}
