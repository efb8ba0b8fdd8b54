"""What the autoscaler decides with: policies, figures, decisions. Pure; the plugin itself is `plugins.autoscaler`."""
